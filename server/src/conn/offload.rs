//! Places for calls that hold a thread off the reactor: as many as the configuration allows requests
//! that block, in this child and (`budget`) in all of them. A request that is known to block waits for
//! its place in its task, in order and without a thread; so there is always a thread left to be the
//! reactor.
//!
//! A call that turns out to block in its middle takes a place if there is one and goes on without if
//! not, for it holds its thread either way: some more threads than places are kept for that
//! (`spare_threads`).

#![forbid(unsafe_code)]

use std::{
    cell::Cell,
    marker::PhantomData,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use tokio::sync::Semaphore;

use super::budget;

static PLACES: Semaphore = Semaphore::const_new(0);
static WAITING: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Whether this thread has a place for what it runs.
    static HOLDS: Cell<bool> = const { Cell::new(false) };
}

/// Whether this process counts places. Where each connection has a thread of its own (worker,
/// prefork) none is needed.
static OPEN: AtomicBool = AtomicBool::new(false);

/// Makes the places of a child.
pub fn open(places: usize) {
    PLACES.add_permits(places);
    OPEN.store(true, Ordering::Relaxed);
}

/// How many threads there can be above the number of places.
pub fn spare_threads(places: usize) -> usize {
    (places / 2).max(64)
}

/// Whether all places are taken.
pub fn is_full() -> bool {
    OPEN.load(Ordering::Relaxed) && PLACES.available_permits() == 0
}

/// How many requests wait for a place.
pub fn waiting() -> usize {
    WAITING.load(Ordering::Relaxed)
}

/// A place that is not used yet.
#[derive(Debug)]
pub struct Place(());

impl Drop for Place {
    fn drop(&mut self) {
        give_back();
    }
}

fn give_back() {
    budget::give();
    PLACES.add_permits(1);
}

/// Takes a place for which nobody has to wait.
fn try_take() -> bool {
    let Ok(permit) = PLACES.try_acquire() else {
        return false;
    };
    // Given back when it goes.
    let taken = budget::take();
    if taken {
        permit.forget();
    }
    taken
}

/// How often a request asks again that waits for other children to be done with theirs.
const ASK_AGAIN: Duration = Duration::from_millis(2);

/// Waits for a place, without a thread.
pub async fn take() -> Option<Place> {
    struct Counted;
    impl Drop for Counted {
        fn drop(&mut self) {
            WAITING.fetch_sub(1, Ordering::Relaxed);
        }
    }
    if !OPEN.load(Ordering::Relaxed) {
        return None;
    }
    if !try_take() {
        WAITING.fetch_add(1, Ordering::Relaxed);
        let _counted = Counted;
        // The semaphore is never closed.
        let permit = PLACES.acquire().await.ok()?;
        while !budget::take() {
            tokio::time::sleep(ASK_AGAIN).await;
        }
        permit.forget();
    }
    Some(Place(()))
}

/// A stretch of work on this thread, during which it has at most one place.
#[derive(Debug)]
pub struct Stretch {
    outermost: bool,
    /// It is this thread's.
    here: PhantomData<*const ()>,
}

impl Stretch {
    /// Begins one, with a place or without.
    pub fn begin(place: Option<Place>) -> Self {
        let held = HOLDS.get();
        if let Some(place) = place
            && !held
        {
            std::mem::forget(place);
            HOLDS.set(true);
        }
        Self {
            outermost: !held,
            here: PhantomData,
        }
    }

    /// The same with a place if there is one.
    pub fn begin_if_free() -> Self {
        let stretch = Self::begin(None);
        enter();
        stretch
    }
}

impl Drop for Stretch {
    fn drop(&mut self) {
        if self.outermost && HOLDS.replace(false) {
            give_back();
        }
    }
}

/// Takes a place until the present stretch of work ends, unless it has one; false when none is free.
pub fn enter() -> bool {
    if !HOLDS.get() && OPEN.load(Ordering::Relaxed) {
        if !try_take() {
            return false;
        }
        HOLDS.set(true);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_taken_in_turn_and_given_back() {
        assert!(enter());
        open(0);
        assert!(!enter());
        open(1);
        {
            let _stretch = Stretch::begin(None);
            assert!(enter() && enter());
            std::thread::scope(|scope| {
                let other = scope.spawn(enter);
                assert!(!other.join().unwrap_or(true));
            });
            let _inner = Stretch::begin_if_free();
        }
        assert_eq!(PLACES.available_permits(), 1);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let place = take().await;
            assert_eq!(waiting(), 0);
            let stretch = Stretch::begin(place);
            let next = tokio::spawn(take());
            tokio::task::yield_now().await;
            assert_eq!(waiting(), 1);
            drop(stretch);
            drop(next.await.unwrap());
            assert_eq!((waiting(), PLACES.available_permits()), (0, 1));
        });
        let _ = PLACES.try_acquire().map(|permit| permit.forget());
    }
}
