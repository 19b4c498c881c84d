"""Stage S: fingerprints -> pairs -> components -> who stays, as shuffles of what `pipelines/duplicates` says."""
