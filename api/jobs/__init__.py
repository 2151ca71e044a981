"""Long work: how it reaches a worker, what a job function may do, and how clients follow it.

ARQ stands behind `transport` alone. It only carries ids: the truth about a job is its row (`domain.jobs`).
"""
