# Reads the table once for each, beside all work that goes on.

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('idempotency', '0013_fewer_words'),
    ]

    operations = [
        ValidateConstraint(model_name='record', name='record_shape'),
        ValidateConstraint(model_name='record', name='record_resolution'),
        ValidateConstraint(model_name='record', name='record_counts'),
    ]
