// Small comforts for server-rendered pages. Each one finds its elements by a data attribute and leaves a page
// without scripts as usable as before.
import { autosubmit } from "./enhance/autosubmit";
import { confirmForms } from "./enhance/confirm";
import { copyButtons } from "./enhance/copy";
import { fileInputs } from "./enhance/file_into";
import { filters } from "./enhance/filter";
import { live } from "./enhance/live";
import { popups } from "./enhance/popup";
import { redirectHash } from "./enhance/redirect_hash";
import { showWhen } from "./enhance/show_when";
import { slugs } from "./enhance/slug";

redirectHash();
confirmForms();
copyButtons();
popups();
fileInputs(document);
filters(document);
showWhen(document);
slugs(document);
live(document);
autosubmit();
