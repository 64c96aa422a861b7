//! Process models: how the number of children follows the load, what the scoreboard shows of threads
//! that own connections, what programs inherit, how children leave. Each test of `every` runs under all
//! three MPMs, and so do families of differential tests that have to do with connections.
//!
//! The whole suite runs under another MPM with `MPM_UNDER_TEST=worker` or `prefork` (docs/testing.md).

mod every;

/// Everything under the worker MPM.
mod worker {
    use super::every;

    every::tests!();
}

/// Everything under the prefork MPM.
mod prefork {
    use super::every;

    every::tests!();
}

/// What is not the same under event runs with it, too.
mod event {
    use super::every;

    every::tests!();
}
