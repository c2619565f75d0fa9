"""What people decide about jobs: the inbox of what was given up, and every decision with its audit trail."""
