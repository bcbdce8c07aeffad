//! Queries to inventories in parallel, with progress.

use crate::system::parallel;
use std::collections::BTreeMap;
use std::time::Duration;

/// The number of queries that run at the same time.
pub(super) const MAX_PARALLEL: usize = 8;

/// A callback that receives the number of finished queries and the number of all queries.
pub type Progress<'p> = &'p dyn Fn(usize, usize);

/// How often the progress callback is called.
pub(super) const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Runs one query per key on up to [`MAX_PARALLEL`] threads.
pub fn parallel_map<K: Ord + Sync + Send, W: Sync + Send, T: Send>(
    keys: BTreeMap<K, W>,
    progress: Option<Progress<'_>>,
    query: impl Fn(&K, &W) -> T + Sync,
) -> BTreeMap<K, T> {
    let keys: Vec<(K, W)> = keys.into_iter().collect();
    let interval = progress.map(|_| PROGRESS_INTERVAL);
    let answers = parallel::map(
        &keys,
        MAX_PARALLEL,
        |(key, requested)| query(key, requested),
        interval,
        &mut |done| {
            if let Some(progress) = progress {
                progress(done, keys.len());
            }
        },
    );
    keys.into_iter()
        .zip(answers)
        .map(|((key, _), answer)| (key, answer))
        .collect()
}
