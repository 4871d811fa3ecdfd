//! The admin page's files, written by `cargo xtask web`: change `web/src` and run that.

use super::asset::Asset;

/// Every file of the admin page, with the path of its answer.
pub(super) static ASSETS: &[Asset] = &[
    Asset {
        path: "/admin/",
        kind: "text/html; charset=utf-8",
        etag: "\"80466d671d6f5fde\"",
        immutable: false,
        bytes: include_bytes!("../../assets/admin/index.html"),
        gzip: Some(include_bytes!("../../assets/admin/index.html.gz")),
    },
    Asset {
        path: "/admin/assets/app-8a10c0a025.js",
        kind: "text/javascript; charset=utf-8",
        etag: "\"8a10c0a0253bd994\"",
        immutable: true,
        bytes: include_bytes!("../../assets/admin/app-8a10c0a025.js"),
        gzip: Some(include_bytes!("../../assets/admin/app-8a10c0a025.js.gz")),
    },
    Asset {
        path: "/admin/assets/app-01cb163c54.css",
        kind: "text/css; charset=utf-8",
        etag: "\"01cb163c54c0b3ab\"",
        immutable: true,
        bytes: include_bytes!("../../assets/admin/app-01cb163c54.css"),
        gzip: Some(include_bytes!("../../assets/admin/app-01cb163c54.css.gz")),
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
