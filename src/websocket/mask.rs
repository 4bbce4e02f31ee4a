//! Masking (RFC 6455 section 5.3): an XOR with a four-byte key, the same to mask and to unmask.

/// Writes `input` unmasked into `output`, which is cleared first. `phase` is the payload offset of the first byte.
#[inline]
pub(super) fn unmask_into(output: &mut Vec<u8>, input: &[u8], key: [u8; 4], phase: u64) {
    output.clear();
    output.extend_from_slice(input);
    unmask(output, key, phase);
}

/// Unmasks in place, eight bytes at a time.
#[inline]
pub(super) fn unmask(bytes: &mut [u8], key: [u8; 4], phase: u64) {
    let turn = (phase & 3) as u32;
    let rotated = u32::from_le_bytes(key).rotate_right(8 * turn);
    let wide = u64::from(rotated) << 32 | u64::from(rotated);
    let mut chunks = bytes.chunks_exact_mut(8);
    for chunk in &mut chunks {
        if let Ok(eight) = <[u8; 8]>::try_from(&*chunk) {
            chunk.copy_from_slice(&(u64::from_le_bytes(eight) ^ wide).to_le_bytes());
        }
    }
    let key = rotated.to_le_bytes();
    for (i, byte) in chunks.into_remainder().iter_mut().enumerate() {
        *byte ^= key[i & 3];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_rfc_defines_it() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let input: Vec<u8> = (0..100).collect();
        for phase in 0..9u64 {
            for length in 0..40 {
                let mut output = Vec::new();
                unmask_into(&mut output, &input[..length], key, phase);
                let plain: Vec<u8> = (0..length).map(|i| input[i] ^ key[((i as u64 + phase) % 4) as usize]).collect();
                assert_eq!(output, plain);
            }
        }
    }
}
