//! The router of the admin listener: probes, the page, the API; with the headers that each of them has.

use super::access::refuse_foreign_pages;
use super::assets::ASSETS;
use super::reply::{self, Answer};
use super::{Admin, api, asset, endpoints, probes};
use crate::client::authority;
use crate::page_headers;
use aquifer_gateway::translate::Fault;
use aquifer_gateway::translate::fault::MistakeKind;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use hyper::body::Incoming;
use std::net::IpAddr;

/// Where the page is.
const PAGE: &str = "/admin/";

impl Admin {
    /// Answers a request.
    pub(super) async fn answer(&self, peer: Option<IpAddr>, request: Request<Incoming>) -> Answer {
        let path = request.uri().path();
        let is_root = path == "/" && matches!(*request.method(), Method::GET | Method::HEAD);
        if is_root && accepts_html(request.headers()) || path == "/admin" {
            return with_headers(moved());
        }
        if !path.starts_with(PAGE) {
            return probes::answer(self, request.into_parts().0);
        }
        let is_api = path.starts_with(endpoints::BASE);
        let mut answer = self.page_or_api(peer, request).await;
        if is_api {
            answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        with_headers(answer)
    }

    async fn page_or_api(&self, peer: Option<IpAddr>, request: Request<Incoming>) -> Answer {
        let (mut head, body) = request.into_parts();
        if let Err(fault) = authority::settle(&mut head) {
            return refused(&fault);
        }
        if !self.access.takes_host(authority::host(&head.headers)) {
            let message = "the admin page is not served under this name: call it by `localhost` or its address, or start \
                           the gateway with --admin-host";
            return reply::error(StatusCode::MISDIRECTED_REQUEST, "misdirected", message);
        }
        let Some(path) = head.uri.path().strip_prefix(endpoints::BASE) else { return asset::answer(ASSETS, &head) };
        if let Err(fault) = refuse_foreign_pages(&head) {
            return refused(&fault);
        }
        let Some(found) = endpoints::find(path) else {
            return reply::error(
                StatusCode::NOT_FOUND,
                "not_found",
                "the admin API has no such path; see openapi.json",
            );
        };
        let (row, id) = (found.row, found.id.to_owned());
        api::answer(self, api::Asked { row, id, peer }, Request::from_parts(head, body)).await
    }
}

fn with_headers(mut answer: Answer) -> Answer {
    page_headers::of_admin(answer.headers_mut());
    answer
}

fn moved() -> Answer {
    let mut moved = reply::empty(StatusCode::FOUND);
    moved.headers_mut().insert(header::LOCATION, HeaderValue::from_static(PAGE));
    moved.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    moved
}

fn accepts_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")))
}

/// The answer to a request that its head refuses.
fn refused(fault: &Fault) -> Answer {
    let Fault::ClientMistaken(mistake) = fault else {
        return reply::error(StatusCode::BAD_REQUEST, "bad_request", "the request cannot be read");
    };
    match mistake.kind {
        MistakeKind::ForeignOrigin => reply::error(StatusCode::FORBIDDEN, "foreign_origin", &mistake.message),
        MistakeKind::MediaType => {
            reply::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", &mistake.message)
        }
        _ => reply::error(StatusCode::BAD_REQUEST, "bad_request", &mistake.message),
    }
}
