/** What the server says on `<main id="workspace" data-…>`. */
export interface Settings {
  name: string;
  csrf: string;
  ticketUrl: string;
  statusUrl: string;
  dashboardUrl: string;
  deleteUrl: string;
  clipboardUp: boolean;
  clipboardDown: boolean;
}

export function settingsOf(main: HTMLElement): Settings {
  const data = main.dataset;
  return {
    name: data["name"] ?? "Workspace",
    csrf: data["csrf"] ?? "",
    ticketUrl: data["ticketUrl"] ?? "",
    statusUrl: data["statusUrl"] ?? "",
    dashboardUrl: data["dashboardUrl"] ?? "/",
    deleteUrl: data["deleteUrl"] ?? "",
    clipboardUp: data["clipboardUp"] === "true",
    clipboardDown: data["clipboardDown"] === "true",
  };
}
