"""What people see: pages, components, jobs, media routes and access control, served by NiceGUI."""
