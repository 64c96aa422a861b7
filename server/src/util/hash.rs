//! Maps on the way of a request: with a hash that costs a fraction of the standard library's. It is
//! seeded anew in each process, so a client cannot prepare names that collide.

/// A map.
pub type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

/// A set.
pub type Set<K> = std::collections::HashSet<K, foldhash::fast::RandomState>;
