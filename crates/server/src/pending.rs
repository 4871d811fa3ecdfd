//! Stands in for what the other crates are about to provide.

use std::future::Future;

#[derive(Default)]
pub(crate) struct Options {
    pub(crate) pace: std::time::Duration,
    pub(crate) _more: (),
}

pub(crate) async fn serve(
    _listener: tokio::net::TcpListener,
    _options: Options,
    shutdown: impl Future<Output = ()>,
) -> std::io::Result<()> {
    shutdown.await;
    Ok(())
}
