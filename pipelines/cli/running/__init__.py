"""Commands that run one."""
