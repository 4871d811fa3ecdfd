//! The admin page's files, written by `cargo xtask web`: change `web/src` and run that.

use super::asset::Asset;

/// Every file of the admin page, with the path of its answer.
pub(super) static ASSETS: &[Asset] = &[
    Asset {
        path: "/admin/",
        kind: "text/html; charset=utf-8",
        etag: "\"399db83241238dee\"",
        immutable: false,
        bytes: include_bytes!("../../assets/admin/index.html"),
        gzip: Some(include_bytes!("../../assets/admin/index.html.gz")),
    },
    Asset {
        path: "/admin/assets/app-a4692ccdca.js",
        kind: "text/javascript; charset=utf-8",
        etag: "\"a4692ccdca7d6d41\"",
        immutable: true,
        bytes: include_bytes!("../../assets/admin/app-a4692ccdca.js"),
        gzip: Some(include_bytes!("../../assets/admin/app-a4692ccdca.js.gz")),
    },
    Asset {
        path: "/admin/assets/app-77f37c6e4f.css",
        kind: "text/css; charset=utf-8",
        etag: "\"77f37c6e4fe26bdd\"",
        immutable: true,
        bytes: include_bytes!("../../assets/admin/app-77f37c6e4f.css"),
        gzip: Some(include_bytes!("../../assets/admin/app-77f37c6e4f.css.gz")),
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
