//! ERSPAN (draft-foschiano-erspan): a switch port's traffic, mirrored over GRE.

use super::{Next, NotTcp, Rest};

pub(super) fn version_2(rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let (h, inner) = rest.header::<8>()?;
    match h[0] >> 4 {
        1 => Ok(Next::Ethernet(inner)),
        _ => Err(NotTcp::Undecoded("ERSPAN of an unknown version")),
    }
}

pub(super) fn version_3(rest: Rest<'_>) -> Result<Next<'_>, NotTcp> {
    let (h, inner) = rest.header::<12>()?;
    if h[0] >> 4 != 2 {
        return Err(NotTcp::Undecoded("ERSPAN of an unknown version"));
    }
    let (frame_type, subheader) = (h[10] >> 2 & 0x1f, h[11] & 1 != 0);
    let inner = inner.skip(if subheader { 8 } else { 0 })?;
    match frame_type {
        0 => Ok(Next::Ethernet(inner)),
        2 => Ok(Next::Ip(inner)),
        _ => Err(NotTcp::Undecoded("ERSPAN with frames that are not Ethernet")),
    }
}
