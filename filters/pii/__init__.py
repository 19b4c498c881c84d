"""Personal data: presidio-analyzer recognizers, ours for Chinese, and the operators that mask what they find."""
