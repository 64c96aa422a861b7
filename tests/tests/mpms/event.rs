//! What runs under the event MPM. The families are at home in other binaries.

use crate::every;

every::tests!();
