"""Pages to look at: what is in a cache, what came out of a run, how two runs differ. One HTML file each."""

from mer_di.errors import MissingDependencyError

try:
    from mer_di.report.cache_page import write_cache_report as write_cache_report
    from mer_di.report.comparison_page import write_comparison_report as write_comparison_report
    from mer_di.report.run_page import write_run_report as write_run_report
except ModuleNotFoundError as error:
    raise MissingDependencyError(f"pages need the package {error.name}: pip install 'mer_di[report]'") from error
