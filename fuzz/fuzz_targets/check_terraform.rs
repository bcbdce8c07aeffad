#![no_main]

use stackref_fuzz::{Variants, check_terraform};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check_terraform(bytes, Variants::of_input(bytes)));
