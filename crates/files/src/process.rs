//! Which process made a folder that isn't done: its name ends with the machine and the process, so that two
//! processes never write into the same one, and what a killed one left can be told from what is being written.

use std::path::Path;
use std::time::{Duration, SystemTime};

/// This process among those of all machines, as the end of a file's name: `HOST.NUMBER`.
pub fn this_process() -> String {
    format!("{}.{}", this_machine(), std::process::id())
}

/// Whether nobody writes any more into what a process made: one of this machine that is gone, or one of another
/// machine that has touched it last a week ago. What names no process is nobody's.
pub fn is_abandoned(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut parts = name.rsplit('.');
    let (Some(process), Some(machine)) = (parts.next(), parts.next()) else {
        return true;
    };
    if process.parse::<u32>().is_err() {
        return true;
    }
    match machine == this_machine() && Path::new("/proc/self").exists() {
        true => !Path::new("/proc").join(process).exists(),
        false => age(path).is_some_and(|age| age > FORGOTTEN),
    }
}

/// Whether a process of another machine made it, of which nothing can be known here.
pub fn is_of_another_machine(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut parts = name.rsplit('.');
    match (parts.next(), parts.next()) {
        (Some(process), Some(machine)) => process.parse::<u32>().is_ok() && machine != this_machine(),
        _ => false,
    }
}

const FORGOTTEN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

fn age(path: &Path) -> Option<Duration> {
    let touched = fs_err::metadata(path).ok()?.modified().ok()?;
    SystemTime::now().duration_since(touched).ok()
}

/// The name of this machine, as far as a file name can hold it.
fn this_machine() -> String {
    let name = fs_err::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let letters = name.trim().chars();
    let name: String = letters
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect();
    match name.is_empty() {
        true => "host".to_owned(),
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_living_process_writes_is_not_abandoned() {
        let place = |end: &str| Path::new("results/tiny").join(format!("extract.partial{end}"));
        let own = this_process();
        let (machine, _) = own.rsplit_once('.').unwrap();
        assert!(!is_abandoned(&place(&format!(".{own}"))));
        assert!(is_abandoned(&place("")), "as earlier versions named them");
        if cfg!(target_os = "linux") {
            // No process has a number as large.
            assert!(is_abandoned(&place(&format!(".{machine}.4194305"))));
        }
        assert!(!is_abandoned(&place(".elsewhere.1")), "it may be at work");
        let elsewhere =
            ["", &format!(".{own}"), ".elsewhere.1"].map(|end| is_of_another_machine(&place(end)));
        assert_eq!(elsewhere, [false, false, true]);
    }
}
