//! What runs under the prefork MPM: families of tests that have to do with connections, and `every`.

#[path = "../differential/cgi.rs"]
mod cgi;
#[path = "../differential/protocol.rs"]
mod protocol;
#[path = "../differential/proxy.rs"]
mod proxy;
#[path = "../robust/slow.rs"]
mod slow;
#[path = "../differential/tls.rs"]
mod tls;

use crate::every;

every::tests!();
