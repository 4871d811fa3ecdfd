//! The admin page's files, written by `cargo xtask web`.

use super::asset::Asset;

/// Every file.
pub(super) static ASSETS: &[Asset] = &[Asset {
    path: "/admin/",
    kind: "text/html; charset=utf-8",
    etag: "\"979bc5888e40f58a\"",
    immutable: false,
    bytes: include_bytes!("../../assets/admin/index.html"),
    gzip: None,
}];
