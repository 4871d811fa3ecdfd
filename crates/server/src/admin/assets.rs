//! The admin page's files, written by `cargo xtask web`: change `web/src` and run that.

use super::asset::Asset;

/// Every file of the admin page, with the path of its answer.
pub(super) static ASSETS: &[Asset] = &[
    Asset {
        path: "/admin/",
        kind: "text/html; charset=utf-8",
        etag: "\"fd6f705a7f0bea44\"",
        immutable: false,
        bytes: include_bytes!("../../assets/admin/index.html"),
        gzip: Some(include_bytes!("../../assets/admin/index.html.gz")),
    },
    Asset {
        path: "/admin/assets/app-f1a71fd420.js",
        kind: "text/javascript; charset=utf-8",
        etag: "\"f1a71fd420741624\"",
        immutable: true,
        bytes: include_bytes!("../../assets/admin/app-f1a71fd420.js"),
        gzip: Some(include_bytes!("../../assets/admin/app-f1a71fd420.js.gz")),
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
