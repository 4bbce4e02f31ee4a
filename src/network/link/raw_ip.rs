//! LINKTYPE_RAW (101), its numbers on BSD systems (12, 14), LINKTYPE_IPV4 (228) and LINKTYPE_IPV6 (229): no link header.

use super::{LinkLayer, ip_by_version};

pub(super) const LAYER: LinkLayer =
    LinkLayer { numbers: &[super::RAW_IP, 12, 14, 228, 229], name: "raw-ip", decode: ip_by_version };
