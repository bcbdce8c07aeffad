#![no_main]

use stackref_fuzz::{Variants, check_host};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check_host(bytes, Variants::of_input(bytes)));
