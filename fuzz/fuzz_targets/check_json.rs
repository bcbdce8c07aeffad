#![no_main]

use stackref_fuzz::{Variants, check_json};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check_json(bytes, Variants::of_input(bytes)));
