#![no_main]

use stackref_fuzz::{Variants, check_notebook};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check_notebook(bytes, Variants::of_input(bytes)));
