//! Work of the processor, spread over it.

/// Does the same with each item on as many threads as the machine runs at once; the results
/// stand in the items' order. With less than `worth` items one thread does it all.
pub fn side_by_side<T: Sync, R: Send>(items: &[T], worth: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if items.len() < worth.max(2) || threads < 2 {
        return items.iter().map(work).collect();
    }
    // one piece of memory for all of them: there may be 100 000, and big ones
    let mut results: Vec<Option<R>> = items.iter().map(|_| None).collect();
    let (work, each) = (&work, items.len().div_ceil(threads));
    std::thread::scope(|scope| {
        let pieces = items.chunks(each).zip(results.chunks_mut(each));
        let fill = |(items, results): (&'_ [T], &'_ mut [Option<R>])| {
            results.iter_mut().zip(items).for_each(|(result, item)| *result = Some(work(item)));
        };
        let workers: Vec<_> = pieces.map(|piece| scope.spawn(move || fill(piece))).collect();
        workers.into_iter().for_each(|worker| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        });
    });
    results.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..1001).collect();
        for worth in [1, 5000] {
            assert_eq!(
                side_by_side(&items, worth, |item| item * 2),
                items.iter().map(|item| item * 2).collect::<Vec<_>>()
            );
        }
        assert!(side_by_side(&[] as &[u8], 0, |item| *item).is_empty());
    }
}
