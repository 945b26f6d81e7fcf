"""Pages to look at: of a cache, a run, two runs side by side, a table that was run again. One HTML file each."""

from mer_di.errors import MissingDependencyError

try:
    from mer_di.report.cache_page import write_cache_report as write_cache_report
    from mer_di.report.comparison_page import write_comparison_report as write_comparison_report
    from mer_di.report.reproduction_page import write_reproduction_report as write_reproduction_report
    from mer_di.report.run_page import write_run_report as write_run_report
except ModuleNotFoundError as error:
    raise MissingDependencyError(f"pages need the package {error.name}: pip install 'mer_di[report]'") from error
