//! How a child hears that it is to leave: by signals, or because it has had its share of connections.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use httpd_sys as sys;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::child::Child;

/// How a child is to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Finish the requests under way.
    Gracefully,
    /// At once.
    Now,
}

/// Where orders come from.
#[derive(Debug)]
pub struct Orders {
    stop: Signal,
    graceful: Signal,
    winch: Signal,
}

impl Orders {
    /// Listens from now on; called on a thread that is in a runtime, and whose signals are still
    /// blocked: afterwards they are let in.
    ///
    /// # Errors
    /// What the system says.
    pub fn listen() -> io::Result<Self> {
        let orders = Self {
            stop: signal(SignalKind::terminate())?,
            graceful: signal(SignalKind::user_defined1())?,
            winch: signal(SignalKind::window_change())?,
        };
        super::control::child_signals().unblock();
        Ok(orders)
    }

    /// The first order.
    pub async fn first(&mut self, child: &'static Child) -> Order {
        let leaving = child.leaving();
        if child.is_leaving() {
            return Order::Gracefully;
        }
        tokio::select! {
            _ = self.stop.recv() => Order::Now,
            _ = self.graceful.recv() => Order::Gracefully,
            _ = self.winch.recv() => {
                child.note_stop();
                Order::Gracefully
            }
            () = leaving => Order::Gracefully,
        }
    }

    /// Completes when a child that leaves gracefully is told to hurry, or has no more time.
    pub async fn urgent(&mut self) {
        // SAFETY: a plain number that a directive has set.
        let seconds = unsafe { sys::ap_graceful_shutdown_timeout };
        let limit = match u64::try_from(seconds) {
            Ok(seconds) if seconds > 0 => Duration::from_secs(seconds),
            _ => Duration::MAX,
        };
        tokio::select! {
            () = tokio::time::sleep(limit) => {}
            _ = self.stop.recv() => {}
        }
    }
}

/// What a thread of its own hears for a child whose threads own their connections.
#[derive(Debug, Default)]
pub struct Heard {
    order: Mutex<Option<Order>>,
}

/// How long a child that is to end at once may take.
const HURRY: Duration = Duration::from_millis(200);

impl Heard {
    /// Starts the thread. `tell` is called for every order, when the child knows of it already. A
    /// child that is to leave at once and does not is ended by this thread.
    ///
    /// # Errors
    /// What the system says.
    pub fn begin(child: &'static Child, tell: impl Fn() + Send + 'static) -> io::Result<Arc<Self>> {
        let heard = Arc::new(Self::default());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut orders = {
            let _inside = runtime.enter();
            Orders::listen()?
        };
        let hearing = Arc::clone(&heard);
        std::thread::Builder::new()
            .name("orders".into())
            .spawn(move || {
                runtime.block_on(async {
                    let first = orders.first(child).await;
                    hearing.note(first);
                    child.begin_to_leave();
                    tell();
                    if first == Order::Gracefully {
                        orders.urgent().await;
                        hearing.note(Order::Now);
                        tell();
                    }
                });
                std::thread::sleep(HURRY);
                // SAFETY: ends this process, whose other threads are with modules.
                unsafe { libc::_exit(0) }
            })?;
        Ok(heard)
    }

    fn note(&self, order: Order) {
        *self.order.lock().unwrap_or_else(PoisonError::into_inner) = Some(order);
    }

    /// The order that holds now; a child that leaves of its own accord does so gracefully.
    pub fn order(&self) -> Order {
        let order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        order.unwrap_or(Order::Gracefully)
    }
}
