//! The admin page's files, written by `cargo xtask web`: change `web/src` and run that.

use super::asset::Asset;

/// Every file of the admin page, with the path of its answer.
pub(super) static ASSETS: &[Asset] = &[
    Asset {
        path: "/admin/",
        kind: "text/html; charset=utf-8",
        etag: "\"8c62d6e917f5a75d\"",
        immutable: false,
        bytes: include_bytes!("../../assets/admin/index.html"),
        gzip: Some(include_bytes!("../../assets/admin/index.html.gz")),
    },
    Asset {
        path: "/admin/assets/app-df91aa81b5.js",
        kind: "text/javascript; charset=utf-8",
        etag: "\"df91aa81b5ccb935\"",
        immutable: true,
        bytes: include_bytes!("../../assets/admin/app-df91aa81b5.js"),
        gzip: Some(include_bytes!("../../assets/admin/app-df91aa81b5.js.gz")),
    },
    Asset {
        path: "/admin/assets/app-9452d5f6e7.css",
        kind: "text/css; charset=utf-8",
        etag: "\"9452d5f6e7501422\"",
        immutable: true,
        bytes: include_bytes!("../../assets/admin/app-9452d5f6e7.css"),
        gzip: Some(include_bytes!("../../assets/admin/app-9452d5f6e7.css.gz")),
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
