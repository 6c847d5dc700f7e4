"""Reads product feeds: the lists that shops themselves publish of their products.

`kinds.kind_of` recognises a feed by the beginning of its file. `read.items` yields its products one
by one, so a feed may have any size. `read.categories` counts the products in each category.
"""
