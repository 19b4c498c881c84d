"""What is done with a finding: operators, made-up values, what stays, how much is too much, what the ledger says."""
