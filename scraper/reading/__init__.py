"""What a page says: its product, images, links and paging, and sitemaps. Nothing is fetched."""
