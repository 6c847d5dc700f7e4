"""Scrapy settings: polite by default. Every crawl uses them, by `scrapy crawl` and by collect."""

BOT_NAME = "product-classification"
USER_AGENT = "product-classification (+collects product images for an image classifier)"
SPIDER_MODULES = ["scraper.spiders"]
COMMANDS_MODULE = "scraper.commands"

# manners: AutoThrottle asks a slow host less often, never more often than the delay allows
AUTOTHROTTLE_ENABLED = True
AUTOTHROTTLE_START_DELAY = 1.0  # seconds
AUTOTHROTTLE_TARGET_CONCURRENCY = 2.0  # requests under way at one host, on average
DOWNLOAD_DELAY = 0.25  # seconds, to one host
DOWNLOAD_SLOTS = {
    "own network": {"concurrency": 32, "delay": 0},
    # APIs, by the spider that asks them: one request at a time, at the rates of their terms
    "commons": {"concurrency": 1, "delay": 1, "jitter": 0},
    "openverse": {"concurrency": 1, "delay": 3, "jitter": 0},  # 20 a minute
    "open_food_facts": {"concurrency": 1, "delay": 6, "jitter": 0},  # 10 searches a minute
}
CANDIDATES_UNDER_WAY = 500  # with more, a slow host holds up the others less
CONCURRENT_ITEMS = 32  # of one page; Scrapy starts as many tasks for each page, needed or not
CONCURRENT_REQUESTS_PER_HOST = 8  # of the public network
CONCURRENT_REQUESTS_PER_DOMAIN = 32  # here only how many connections to a host are kept open
DOWNLOADER = "scraper.crawling.downloader.PerHostDownloader"
ROBOTSTXT_OBEY = True
COOKIES_ENABLED = False

# caps
DOWNLOAD_MAXSIZE = 30 * 1024 * 1024  # bytes
DOWNLOAD_WARNSIZE = 0
DOWNLOAD_TIMEOUT = 30  # seconds
DNS_TIMEOUT = 20  # seconds
REDIRECT_MAX_TIMES = 5
METAREFRESH_ENABLED = False
RETRY_TIMES = 2
RETRY_BACKOFF = 2  # seconds if a busy host names no time; each wait is twice the last
RETRY_AFTER_MAX = 120  # seconds; a host that asks for more is left alone
RETRY_PERMANENT = False  # True: images that an earlier run found to be gone, or no image, too
RETRY_GIVE_UP_LOG_LEVEL = "INFO"  # its row says so

# safety: Scrapy's own defaults verify no certificate and read local files
DOWNLOAD_VERIFY_CERTIFICATES = True
DOWNLOAD_HANDLERS = {"data": None, "file": None, "ftp": None, "s3": None}
HTTPPROXY_ENABLED = False  # a proxy would resolve names, and the address guard could not check them
EXTENSIONS_BASE = {  # without the consoles, which listen for commands; half a second to load
    "scrapy.extensions.corestats.CoreStats": 0,
    "scrapy.extensions.memusage.MemoryUsage": 0,
    "scrapy.extensions.closespider.CloseSpider": 0,
    "scrapy.extensions.feedexport.FeedExporter": 0,
    "scrapy.extensions.spiderstate.SpiderState": 0,
    "scrapy.extensions.throttle.AutoThrottle": 0,
}

DOWNLOADER_MIDDLEWARES = {
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,  # goes ahead without one
    "scraper.crawling.middlewares.RobotsMiddleware": 100,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,  # asks a busy host again at once
    "scraper.crawling.retry.PatientRetry": 550,
    # nearer to the network than the retries, so that a refused address is not tried again
    "scraper.crawling.middlewares.AddressGuard": 560,
    # each costs every request its time, and these do nothing here
    "scrapy.downloadermiddlewares.stats.DownloaderStats": None,  # counts that no one reads
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    "scrapy.downloadermiddlewares.httpauth.HttpAuthMiddleware": None,
}
SPIDER_MIDDLEWARES = {
    "scraper.crawling.middlewares.CandidateLimits": 10,
    "scrapy.spidermiddlewares.depth.DepthMiddleware": None,  # the same
}
ITEM_PIPELINES = {"scraper.crawling.item_pipeline.ImagePipeline": 500}

LOG_LEVEL = "WARNING"
DEFAULT_DROPITEM_LOG_LEVEL = "DEBUG"  # its row says so
LOG_FORMAT = "%(levelname)s: %(message)s"
