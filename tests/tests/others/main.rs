//! Other people's modules, as the binaries that Debian built for Apache: they load, and serve what
//! they serve under Apache. `scripts/fetch-module-packages.sh` unpacks them into a cache.
#![expect(
    clippy::duplicate_mod,
    reason = "the same tests run under several process models"
)]

mod backend;
mod gateways;
mod languages;
mod loading;
mod pip;
mod prefork;
mod security;
mod small;
