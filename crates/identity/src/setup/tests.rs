//! To come with the pages.
