//! What runs under the worker MPM: families of tests that have to do with connections, and `every`.

#[path = "../differential/cgi.rs"]
mod cgi;
#[path = "../differential/http2.rs"]
mod http2;
#[path = "../differential/protocol.rs"]
mod protocol;
#[path = "../differential/proxy.rs"]
mod proxy;
#[path = "../robust/slow.rs"]
mod slow;
#[path = "../differential/tls.rs"]
mod tls;
#[path = "../differential/tls_connections.rs"]
mod tls_connections;

use crate::every;

every::tests!();
