#![no_main]

use stackref_fuzz::{Variants, check_yaml};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check_yaml(bytes, Variants::of_input(bytes)));
