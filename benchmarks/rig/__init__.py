"""What the endurance runs share: people who talk, the processes they talk to, figures over time, reports."""
