//! The files of the admin page, made by `cargo xtask web`: change `web/src` and run that.

/// A file of the admin page, as it is and compressed.
pub(super) struct Asset {
    /// Its file name, which is the last part of its path on the admin listener.
    pub(super) name: &'static str,
    /// The value of the header `content-type`.
    pub(super) content_type: &'static str,
    /// Its name has a hash of its bytes, so that a browser may keep it for good.
    pub(super) immutable: bool,
    /// The value of the header `etag`, with its quotes.
    pub(super) etag: &'static str,
    /// The bytes as they are.
    pub(super) bytes: &'static [u8],
    /// The bytes compressed with gzip.
    pub(super) gzip: &'static [u8],
}

/// Every file of the admin page.
pub(super) const ASSETS: &[Asset] = &[
    Asset {
        name: "index.html",
        content_type: "text/html; charset=utf-8",
        immutable: false,
        etag: "\"80466d671d6f5fdecac8\"",
        bytes: include_bytes!("../../assets/admin/index.html"),
        gzip: include_bytes!("../../assets/admin/index.html.gz"),
    },
    Asset {
        name: "app-8a10c0a025.js",
        content_type: "text/javascript; charset=utf-8",
        immutable: true,
        etag: "\"8a10c0a0253bd994150b\"",
        bytes: include_bytes!("../../assets/admin/app-8a10c0a025.js"),
        gzip: include_bytes!("../../assets/admin/app-8a10c0a025.js.gz"),
    },
    Asset {
        name: "app-01cb163c54.css",
        content_type: "text/css; charset=utf-8",
        immutable: true,
        etag: "\"01cb163c54c0b3abc554\"",
        bytes: include_bytes!("../../assets/admin/app-01cb163c54.css"),
        gzip: include_bytes!("../../assets/admin/app-01cb163c54.css.gz"),
    },
    Asset {
        name: "THIRD_PARTY.txt",
        content_type: "text/plain; charset=utf-8",
        immutable: false,
        etag: "\"5d0988896cea1c3456b4\"",
        bytes: include_bytes!("../../assets/admin/THIRD_PARTY.txt"),
        gzip: include_bytes!("../../assets/admin/THIRD_PARTY.txt.gz"),
    },
];
