//! How a child hears that it is to leave: by signals, or because it has had its share of connections.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use httpd_sys as sys;
use tokio::io::unix::AsyncFd;

use super::{child::Child, signals, signals::Ear};

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
pub struct Orders(AsyncFd<Ear>);

/// The signals that are orders to leave.
const LEAVE: [i32; 2] = [libc::SIGUSR1, libc::SIGWINCH];

/// The signals that are orders to stop. To a child SIGINT is none: it reaches the whole group of
/// processes, and the control process tells children what to do.
fn stop() -> &'static [i32] {
    if ALONE.load(Ordering::Relaxed) {
        &[libc::SIGTERM, libc::SIGINT]
    } else {
        &[libc::SIGTERM]
    }
}

/// There is no control process.
static ALONE: AtomicBool = AtomicBool::new(false);

/// What this child hears with, until its MPM takes it.
static EAR: Mutex<Option<Ear>> = Mutex::new(None);

/// Prepares to hear orders: modules see the handlers when they begin to work in the child. The signals
/// stay blocked. `alone`: there is no control process.
///
/// # Errors
/// What the system says.
pub fn prepare(alone: bool) -> io::Result<()> {
    ALONE.store(alone, Ordering::Relaxed);
    let ear = Ear::open(&[stop(), &LEAVE].concat())?;
    *EAR.lock().unwrap_or_else(PoisonError::into_inner) = Some(ear);
    Ok(())
}

impl Orders {
    /// Listens from now on; called on a thread that is in a runtime, and whose signals are still
    /// blocked: afterwards they are let in.
    ///
    /// # Errors
    /// What the system says.
    pub fn listen() -> io::Result<Self> {
        let ear = EAR.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ear = ear.ok_or(io::ErrorKind::NotFound)?;
        // SAFETY: the ear owns its descriptor and answers the same one for its life.
        let orders = Self(unsafe { AsyncFd::register(ear) }.map_err(io::Error::from)?);
        super::control::child_signals().unblock();
        Ok(orders)
    }

    /// Completes when one of these signals has come.
    async fn heard(&self, signals: &[i32]) {
        loop {
            let ear = self.0.get_ref();
            if signals.iter().any(|&signal| ear.has_heard(signal)) {
                return;
            }
            // Only a descriptor that is not registered can fail.
            let Ok(mut ready) = self.0.readable().await else {
                return std::future::pending().await;
            };
            self.0.get_ref().quieten();
            ready.clear_ready();
        }
    }

    /// The first order.
    pub async fn first(&mut self, child: &'static Child) -> Order {
        let leaving = child.leaving();
        if child.is_leaving() {
            return Order::Gracefully;
        }
        let stop_or_leave = async {
            self.heard(&[stop(), &LEAVE].concat()).await;
            // A stop goes before.
            let ear = self.0.get_ref();
            if stop().iter().any(|&signal| ear.has_heard(signal)) {
                return Order::Now;
            }
            if ear.has_heard(libc::SIGWINCH) {
                child.note_stop();
            }
            Order::Gracefully
        };
        tokio::select! {
            order = stop_or_leave => order,
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
            () = self.heard(stop()) => {}
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
                // Those that modules have handlers for are for the threads that run modules.
                signals::block_all();
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
