#![no_main]

use stackref_fuzz::{Variants, check_markdown};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check_markdown(bytes, Variants::of_input(bytes)));
