//! The event MPM: connections are tasks, a few threads turn event loops, and those that block are
//! replaced (design part 4).

use std::{io, os::fd::RawFd, time::Duration};

use httpd_sys as sys;
use tokio::io::Interest;

use super::{
    Mpm,
    accept::{self, accept_one, is_passing},
    child::{self, Child},
    execution,
    orders::{Order, Orders},
    reactor,
    settings::settings,
    sockets,
};
use crate::{
    abi::network_filters,
    conn::{life, offload, watchdog},
    modules::mpm,
};

/// The event MPM.
#[derive(Clone, Copy, Debug)]
pub struct Event;

impl Mpm for Event {
    fn serve(&self, child: &'static Child) -> io::Result<()> {
        let runtime = build_runtime()?;
        mpm::set_runtime(runtime.handle().clone());
        execution::watch(runtime.handle());
        let order = runtime.block_on(async {
            let mut orders = Orders::listen()?;
            let order = accept_until_ordered(child, &mut orders).await;
            child::announce(order);
            Ok::<_, io::Error>(leave(child, order, &mut orders).await)
        })?;
        watchdog::end();
        runtime.shutdown_timeout(Duration::from_millis(match order {
            Order::Now => 50,
            Order::Gracefully => 500,
        }));
        Ok(())
    }
}

fn build_runtime() -> io::Result<tokio::runtime::Runtime> {
    let settings = settings();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let children = usize::try_from(settings.start_servers).unwrap_or(1).max(1);
    let blocking = execution::places();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    reactor::prepare(&mut builder);
    builder
        .worker_threads(processors.div_ceil(children).max(1) + watchdog::RESERVES)
        // Reactor threads that block are replaced from this number.
        .max_blocking_threads(blocking + offload::spare_threads(blocking))
        .build()
}

/// Accepts until the order to leave.
async fn accept_until_ordered(child: &'static Child, orders: &mut Orders) -> Order {
    let listeners: Vec<_> = sockets::listening()
        .into_iter()
        .map(|listener| tokio::spawn(accept_from(listener, child)))
        .collect();
    let order = orders.first(child).await;
    for listener in listeners {
        listener.abort();
        // Its watch is gone when it has ended, one way or the other; then the socket may be closed.
        let _ = listener.await;
    }
    super::close_listeners();
    child.begin_to_leave();
    order
}

/// Waits for what is under way, if there is time; how the child leaves in the end.
async fn leave(child: &'static Child, order: Order, orders: &mut Orders) -> Order {
    if order == Order::Now {
        return order;
    }
    let emptied = async {
        while child.connections() > 0 {
            // Looked at again now and then, so that a wake-up between the two is not missed.
            let _ = tokio::time::timeout(Duration::from_millis(100), child.one_less()).await;
        }
    };
    tokio::select! {
        () = emptied => Order::Gracefully,
        () = orders.urgent() => Order::Now,
    }
}

/// How long a child whose places are all taken leaves connections to others, which may have some; if all
/// are busy, it takes them after all: most need no place.
const HOLD_BACK: Duration = Duration::from_millis(2);

/// Takes the connections of one listening socket.
async fn accept_from(listener: RawFd, child: &'static Child) {
    let Ok(listener) = network_filters::watch(listener, Interest::READABLE) else {
        super::control::log(sys::APLOG_ALERT, "cannot wait for a listening socket");
        return;
    };
    loop {
        if offload::is_full() {
            tokio::time::sleep(HOLD_BACK).await;
        }
        let accepted = listener
            .async_io(Interest::READABLE, |descriptor| accept_one(*descriptor))
            .await;
        match accepted {
            Ok(accepted) => {
                let presence = child.enter();
                tokio::spawn(async move {
                    life::serve(accepted, child).await;
                    drop(presence);
                });
                if child.is_worn_out() {
                    child.begin_to_leave();
                    return;
                }
            }
            Err(error) if is_passing(&error) => {}
            Err(error) => {
                accept::log_failure(&error);
                tokio::time::sleep(accept::PAUSE).await;
            }
        }
    }
}
