//! The admin page's files, written by `cargo xtask web`: change `web/src` and run that.

use super::asset::Asset;

/// Every file of the admin page, with the path of its answer.
pub(super) static ASSETS: &[Asset] = &[
    Asset {
        path: "/admin/",
        kind: "text/html; charset=utf-8",
        etag: "\"3070b57e52687c30\"",
        immutable: false,
        bytes: include_bytes!("../../assets/admin/index.html"),
        gzip: Some(include_bytes!("../../assets/admin/index.html.gz")),
    },
    Asset {
        path: "/admin/assets/app-ee6c5f0482.js",
        kind: "text/javascript; charset=utf-8",
        etag: "\"ee6c5f0482fa5417\"",
        immutable: true,
        bytes: include_bytes!("../../assets/admin/app-ee6c5f0482.js"),
        gzip: Some(include_bytes!("../../assets/admin/app-ee6c5f0482.js.gz")),
    },
    Asset {
        path: "/admin/assets/app-711550a083.css",
        kind: "text/css; charset=utf-8",
        etag: "\"711550a083697fb8\"",
        immutable: true,
        bytes: include_bytes!("../../assets/admin/app-711550a083.css"),
        gzip: Some(include_bytes!("../../assets/admin/app-711550a083.css.gz")),
    },
    Asset {
        path: "/admin/assets/THIRD_PARTY.txt",
        kind: "text/plain; charset=utf-8",
        etag: "\"5d0988896cea1c34\"",
        immutable: false,
        bytes: include_bytes!("../../assets/admin/THIRD_PARTY.txt"),
        gzip: Some(include_bytes!("../../assets/admin/THIRD_PARTY.txt.gz")),
    },
];
