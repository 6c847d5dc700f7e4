"""A shop's own lists of its products: what they are, and what they say, read as a stream.

`kinds.kind_of` tells what a file is from its beginning, and `read.items` gives its products.
`read.categories` counts what a feed files its products under.
"""
