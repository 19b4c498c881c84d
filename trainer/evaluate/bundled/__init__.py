"""Tasks that come with the trainer, in English and Chinese: made by code, the same items every time, easy enough to
tell small models apart.
"""
