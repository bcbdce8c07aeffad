#![no_main]

use stackref_fuzz::{Variants, check_python};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check_python(bytes, Variants::of_input(bytes)));
