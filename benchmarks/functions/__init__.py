"""What lambda_start and lambda_warm share: packages, the classic handler beside ours, and the page."""
