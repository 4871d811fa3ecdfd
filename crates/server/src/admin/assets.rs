//! The admin page's files, written by `cargo xtask web`: change `web/src` and run that.

use super::asset::Asset;

/// Every file of the admin page, with the path of its answer.
pub(super) static ASSETS: &[Asset] = &[
    Asset {
        path: "/admin/",
        kind: "text/html; charset=utf-8",
        etag: "\"4fdb4d9483865093\"",
        immutable: false,
        bytes: include_bytes!("../../assets/admin/index.html"),
        gzip: Some(include_bytes!("../../assets/admin/index.html.gz")),
    },
    Asset {
        path: "/admin/assets/app-d2c5d658f2.js",
        kind: "text/javascript; charset=utf-8",
        etag: "\"d2c5d658f2219e35\"",
        immutable: true,
        bytes: include_bytes!("../../assets/admin/app-d2c5d658f2.js"),
        gzip: Some(include_bytes!("../../assets/admin/app-d2c5d658f2.js.gz")),
    },
    Asset {
        path: "/admin/assets/app-a3fedfcf81.css",
        kind: "text/css; charset=utf-8",
        etag: "\"a3fedfcf8160347b\"",
        immutable: true,
        bytes: include_bytes!("../../assets/admin/app-a3fedfcf81.css"),
        gzip: Some(include_bytes!("../../assets/admin/app-a3fedfcf81.css.gz")),
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
