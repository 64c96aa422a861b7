//! Requests that a module has suspended: it goes on with them later, on a thread of its own or in a
//! timed callback, and the connection's task waits for that without a thread.
//!
//! `abi/http_request/process.rs` says when a request is suspended and when it is done, in whichever
//! thread that happens; the task asks in between. A connection is known here by its address.
#![forbid(unsafe_code)]

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::Notify;

type Waiting = BTreeMap<usize, Arc<Notify>>;

static WAITING: Mutex<Waiting> = Mutex::new(BTreeMap::new());
/// How many there are: nearly always none, which is found out without the lock.
static COUNT: AtomicUsize = AtomicUsize::new(0);

fn change<T>(change: impl FnOnce(&mut Waiting) -> T) -> T {
    let mut waiting: MutexGuard<'_, Waiting> =
        WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = change(&mut waiting);
    // Whoever sees the new number sees all that was done to the connection before.
    COUNT.store(waiting.len(), Ordering::Release);
    answer
}

/// Notes that the request of a connection is suspended, before another thread may go on with it.
pub fn suspend(connection: usize) {
    change(|waiting| waiting.insert(connection, Arc::default()));
}

/// The request is done, or given up: the connection belongs to its task again.
pub fn resume(connection: usize) {
    if COUNT.load(Ordering::Acquire) > 0
        && let Some(task) = change(|waiting| waiting.remove(&connection))
    {
        task.notify_one();
    }
}

/// What a connection's task waits for; `None` when its request is not suspended, or done already.
pub fn waiting(connection: usize) -> Option<Arc<Notify>> {
    if COUNT.load(Ordering::Acquire) == 0 {
        return None;
    }
    change(|waiting| waiting.get(&connection).cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_waits_from_suspension_to_resumption() {
        const CONNECTION: usize = 0x5eed;
        assert!(waiting(CONNECTION).is_none());
        resume(CONNECTION);
        suspend(CONNECTION);
        let task = waiting(CONNECTION).expect("just suspended");
        // Resumed before the task waits: it must not wait for ever.
        resume(CONNECTION);
        assert!(waiting(CONNECTION).is_none());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(task.notified());
    }
}
