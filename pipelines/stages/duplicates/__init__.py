"""Stage S: fingerprints -> pairs -> components -> who stays."""
